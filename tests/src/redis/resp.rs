//! As much of Redis's protocol as tests need: one command, one reply.

use std::{
    io::{self, BufRead, BufReader, Write},
    os::unix::net::UnixStream,
    path::Path,
    time::Duration,
};

/// How long a reply may take.
const TIME_LIMIT: Duration = Duration::from_secs(10);

/// What Redis replied.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Reply {
    /// A list.
    Array(Vec<Reply>),
    /// Bytes.
    Bulk(Vec<u8>),
    /// An error, its code first.
    Error(String),
    /// A number.
    Integer(i64),
    /// Nothing.
    Nil,
    /// A status.
    Simple(String),
}

impl Reply {
    /// The number.
    ///
    /// # Panics
    /// When it is none.
    pub fn integer(&self) -> i64 {
        match self {
            Self::Integer(number) => *number,
            other => panic!("no number: {other:?}"),
        }
    }

    /// The text of a status or of bytes.
    ///
    /// # Panics
    /// When it is neither, or not UTF-8.
    pub fn text(&self) -> &str {
        match self {
            Self::Bulk(bytes) => std::str::from_utf8(bytes).expect("it is UTF-8"),
            Self::Simple(text) => text,
            other => panic!("no text: {other:?}"),
        }
    }

    /// The elements of a list.
    ///
    /// # Panics
    /// When it is none.
    pub fn array(&self) -> &[Self] {
        match self {
            Self::Array(elements) => elements,
            other => panic!("no list: {other:?}"),
        }
    }
}

/// Connects, authenticates the default user if there is a password, and runs the command.
pub(super) fn command<A: AsRef<[u8]>>(
    socket: &Path,
    password: Option<&str>,
    args: &[A],
) -> io::Result<Reply> {
    let stream = UnixStream::connect(socket)?;
    stream.set_read_timeout(Some(TIME_LIMIT))?;
    stream.set_write_timeout(Some(TIME_LIMIT))?;
    let mut reader = BufReader::new(&stream);
    if let Some(password) = password {
        send(&stream, &["AUTH", password])?;
        receive(&mut reader)?;
    }
    send(&stream, args)?;
    receive(&mut reader)
}

fn send<A: AsRef<[u8]>>(mut stream: &UnixStream, args: &[A]) -> io::Result<()> {
    let mut bytes = format!("*{}\r\n", args.len()).into_bytes();
    for arg in args {
        let arg = arg.as_ref();
        bytes.extend_from_slice(format!("${}\r\n", arg.len()).as_bytes());
        bytes.extend_from_slice(arg);
        bytes.extend_from_slice(b"\r\n");
    }
    stream.write_all(&bytes)
}

fn receive(reader: &mut impl BufRead) -> io::Result<Reply> {
    let mut line = String::new();
    reader.read_line(&mut line)?;
    let invalid = || io::Error::other("no reply in Redis's protocol");
    let line = line.strip_suffix("\r\n").ok_or_else(invalid)?;
    let (sort, rest) = line.split_at_checked(1).ok_or_else(invalid)?;
    let number = || rest.parse::<i64>().map_err(|_| invalid());
    Ok(match sort {
        "+" => Reply::Simple(rest.to_owned()),
        "-" => Reply::Error(rest.to_owned()),
        ":" => Reply::Integer(number()?),
        "$" | "*" if number()? < 0 => Reply::Nil,
        "$" => {
            let mut bytes = vec![0; usize::try_from(number()?).map_err(|_| invalid())? + 2];
            reader.read_exact(&mut bytes)?;
            bytes.truncate(bytes.len() - 2);
            Reply::Bulk(bytes)
        }
        "*" => Reply::Array((0..number()?).map(|_| receive(reader)).collect::<io::Result<_>>()?),
        _ => return Err(invalid()),
    })
}
