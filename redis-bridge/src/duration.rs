//! Durations as people write them: `400ms`, `5s`, `30m`, `24h`, `7d`.

use std::time::Duration;

/// Reads a whole number and its unit.
///
/// # Errors
/// A sentence for whoever wrote it.
pub(crate) fn parse(text: &str) -> Result<Duration, String> {
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let millis = match unit {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return Err(EXPECTED.to_owned()),
    };
    let number: u64 = number.parse().map_err(|_| EXPECTED.to_owned())?;
    number.checked_mul(millis).map(Duration::from_millis).ok_or_else(|| EXPECTED.to_owned())
}

const EXPECTED: &str = "expected a whole number with its unit, such as 400ms, 5s, 30m, 24h or 7d";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_with_units() {
        for (text, millis) in
            [("400ms", 400), ("5s", 5_000), ("30m", 1_800_000), ("24h", 86_400_000), ("7d", 604_800_000)]
        {
            assert_eq!(parse(text), Ok(Duration::from_millis(millis)));
        }
        for text in [
            "",
            "5",
            "s",
            "-5s",
            "5 s",
            "1.5h",
            "5S",
            "1h30m",
            "99999999999999999999s",
            "18446744073709551615d",
            "５s",
        ] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
