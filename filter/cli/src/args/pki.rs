//! The options of `cloakroom pki`.

use super::{Command, Options, usage};
use crate::failure::Failure;
use crate::pki::{Action, Pki};

/// Ten years, and a month: longer lives are mistakes.
const MAX_CA_DAYS: u32 = 3650;
const MAX_LEAF_HOURS: u32 = 744;

impl Options {
    pub(super) fn pki(self) -> Result<Command, Failure> {
        if self.trust {
            let options = self.only(&["--dir", "--trust"])?;
            let dir = options.dir.ok_or_else(|| usage("`pki --trust` expects `--dir DIR`"))?;
            return Ok(Command::Trust { dir });
        }
        let options = self.only(&[
            "--bundle",
            "--ca-days",
            "--ca-dir",
            "--dir",
            "--file",
            "--leaf-hours",
            "--owner",
            "--renew-ca",
            "--switch-ca",
            "--watch",
        ])?;
        let action = match (options.renew_ca, options.switch_ca, options.watch) {
            (false, false, false) => Action::Once,
            (true, false, false) => Action::RenewCa,
            (false, true, false) => Action::SwitchCa,
            (false, false, true) => Action::Watch,
            _ => return Err(usage("`--renew-ca`, `--switch-ca` and `--watch` are for runs of their own")),
        };
        let (Some(file), Some(dir)) = (options.egress, options.dir) else {
            return Err(usage("`pki` expects `--file FILE`, the operator's file, and `--dir DIR`"));
        };
        let ca_dir = options.ca_dir.unwrap_or_else(|| dir.join("ca"));
        let (ca_days, leaf_hours) = (options.ca_days.unwrap_or(365), options.leaf_hours.unwrap_or(24));
        if ca_days == 0 || leaf_hours == 0 || ca_days > MAX_CA_DAYS || leaf_hours > MAX_LEAF_HOURS {
            return Err(usage(format!(
                "`--ca-days` goes from 1 to {MAX_CA_DAYS}, and `--leaf-hours` from 1 to {MAX_LEAF_HOURS}"
            )));
        }
        let (owner, bundle) = (options.owner, options.bundle);
        Ok(Command::Pki(Pki { file, dir, ca_dir, ca_days, leaf_hours, owner, bundle, action }))
    }
}
