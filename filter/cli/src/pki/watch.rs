//! `--watch`: certificates that renew themselves.

use super::{Action, Pki, now};
use crate::failure::Failure;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use std::io::{self, Write};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::Duration;

/// How often `--watch` looks: whether something is due, or the operator's file has changed.
const LOOK: Duration = Duration::from_secs(60);

/// Goes on until somebody asks it to end. What goes wrong later than at first is told and tried again: what is in place
/// lives for hours yet.
pub(super) fn watch(pki: &Pki, out: &mut impl Write) -> Result<(), Failure> {
    let (told, ended) = mpsc::channel();
    let mut signals = Signals::new([SIGINT, SIGTERM])?;
    std::thread::spawn(move || signals.wait().for_each(|_| told.send(()).unwrap_or_default()));
    let mut first = true;
    // Once, and not every minute.
    let mut complained = None;
    loop {
        let wrong = match pki.work(now()?, Action::Once) {
            Ok(done) => {
                for line in done.said {
                    writeln!(out, "{line}")?;
                }
                out.flush()?;
                done.wrong
            }
            Err(wrong) if first => return Err(Failure::Failed(wrong)),
            Err(wrong) => Some(wrong),
        };
        if let Some(wrong) = wrong.clone().filter(|_| wrong != complained) {
            Failure::Failed(wrong).report(&mut io::stderr().lock());
        }
        (first, complained) = (false, wrong);
        if ended.recv_timeout(LOOK) != Err(RecvTimeoutError::Timeout) {
            return Ok(());
        }
    }
}
