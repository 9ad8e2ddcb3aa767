//! The one thing in a certificate that its verification does not tell: from when to when it is valid.

use super::Seconds;
use std::ops::Range;
use time::OffsetDateTime;
use yasna::{ASN1Error, ASN1ErrorKind, ASN1Result, BERReader, Tag};

/// From when to when a certificate is valid; `None` if it is none.
pub(super) fn validity(certificate: &[u8]) -> Option<Range<Seconds>> {
    let read = yasna::parse_der(certificate, |reader| {
        reader.read_sequence(|reader| {
            let validity = reader.next().read_sequence(|reader| {
                // Version, serial number, algorithm, issuer.
                for _ in 0..4 {
                    reader.next().read_der()?;
                }
                let validity =
                    reader.next().read_sequence(|reader| Ok(time(reader.next())?..time(reader.next())?))?;
                // Subject, key, extensions.
                for _ in 0..3 {
                    reader.next().read_der()?;
                }
                Ok(validity)
            })?;
            // Algorithm, signature.
            reader.next().read_der()?;
            reader.next().read_der()?;
            Ok(validity)
        })
    });
    read.ok()
}

/// Until 2049 the one, later the other.
fn time(reader: BERReader<'_, '_>) -> ASN1Result<Seconds> {
    match reader.lookahead_tag()? {
        UTC_TIME => Ok(reader.read_utctime()?.datetime().unix_timestamp()),
        GENERALIZED_TIME => Ok(reader.read_generalized_time()?.datetime().unix_timestamp()),
        _ => Err(ASN1Error::new(ASN1ErrorKind::Invalid)),
    }
}

const UTC_TIME: Tag = yasna::tags::TAG_UTCTIME;
const GENERALIZED_TIME: Tag = yasna::tags::TAG_GENERALIZEDTIME;

/// What rcgen wants.
pub(super) fn date_time(seconds: Seconds) -> Result<OffsetDateTime, String> {
    OffsetDateTime::from_unix_timestamp(seconds).map_err(|_| "a life ends after the year 9999".to_owned())
}

/// The day, for people.
pub(super) fn day(seconds: Seconds) -> String {
    OffsetDateTime::from_unix_timestamp(seconds)
        .map_or_else(|_| "another day".to_owned(), |at| at.date().to_string())
}
