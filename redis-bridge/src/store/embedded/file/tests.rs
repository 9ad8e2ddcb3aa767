use std::fs;

use tempfile::TempDir;

use super::*;

#[test]
fn an_interrupted_creation_is_begun_again() {
    let (_folder, path) = created();
    let sound = fs::read(&path).unwrap();

    let mut unfinished = sound.clone();
    unfinished[..MAGIC_LEN].fill(0);
    for bytes in [unfinished, vec![0; 4_096], Vec::new()] {
        fs::write(&path, bytes).unwrap();
        prepare(&file(path.clone())().unwrap(), &[]).unwrap();
    }
}

#[test]
fn a_file_of_something_else_is_left_alone() {
    let (_folder, path) = created();
    let mut begins_with_zeros = vec![0; 100_000];
    begins_with_zeros[500..].fill(7);
    begins_with_zeros[20] = 1;
    for bytes in [b"%PDF-1.7".to_vec(), b"x".to_vec(), vec![0; 10], vec![7; 100_000], begins_with_zeros] {
        fs::write(&path, &bytes).unwrap();
        let error = file(path.clone())().unwrap_err();
        assert_eq!(error.kind, ErrorKind::Unsound);
        assert!(error.message.starts_with(path.to_str().unwrap()), "{error}");
        assert!(fs::read(&path).unwrap() == bytes);
    }
}

#[test]
fn damage_is_an_error_wherever_it_is() {
    let (_folder, path) = created();
    let sound = fs::read(&path).unwrap();
    let mut found = 0;
    for at in (0..sound.len()).step_by(4_099) {
        let mut damaged = sound.clone();
        damaged[at..].iter_mut().take(64).for_each(|byte| *byte ^= 0x55);
        fs::write(&path, damaged).unwrap();
        if let Err(error) = file(path.clone())() {
            assert_eq!(error.kind, ErrorKind::Unsound, "{error}");
            found += 1;
        }
    }
    assert!(found > 2, "{found}");
    for len in (1..sound.len()).step_by(40_009) {
        fs::write(&path, &sound[..len]).unwrap();
        assert_eq!(file(path.clone())().unwrap_err().kind, ErrorKind::Unsound, "cut to {len}");
    }
}

#[test]
fn a_file_that_vanished_is_not_created_anew() {
    let (_folder, path) = created();
    let mut opener = file(path.clone());
    drop(opener().unwrap());
    fs::remove_file(&path).unwrap();
    assert_eq!(opener().unwrap_err().kind, ErrorKind::Unavailable);
    assert!(!path.exists());
}

#[test]
fn memory_is_opened_once() {
    let mut opener = memory();
    drop(opener().unwrap());
    assert_eq!(opener().unwrap_err().kind, ErrorKind::Unsound);
}

#[test]
fn nobody_else_may_read_the_file() {
    let (_folder, path) = created();
    #[cfg(unix)]
    assert_eq!(
        std::os::unix::fs::PermissionsExt::mode(&fs::metadata(path).unwrap().permissions()) & 0o777,
        0o600
    );
}

fn created() -> (TempDir, PathBuf) {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("store");
    prepare(&file(path.clone())().unwrap(), &[]).unwrap();
    (folder, path)
}
