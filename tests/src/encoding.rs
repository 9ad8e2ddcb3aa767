//! The content encodings of HTTP that real clients and providers use.

use std::io::{self, Read as _, Write as _};

use flate2::{Compression, read::GzDecoder, write::GzEncoder};

/// A content encoding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// `br`.
    Brotli,
    /// `gzip`.
    Gzip,
    /// `zstd`.
    Zstd,
}

impl Encoding {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Brotli, Self::Gzip, Self::Zstd];

    /// As headers have it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Brotli => "br",
            Self::Gzip => "gzip",
            Self::Zstd => "zstd",
        }
    }

    /// Compresses.
    ///
    /// # Panics
    /// Never: memory takes whatever is written to it.
    pub fn encode(self, plain: impl AsRef<[u8]>) -> Vec<u8> {
        let plain = plain.as_ref();
        let encoded = match self {
            Self::Brotli => {
                let mut encoder = brotli::CompressorWriter::new(Vec::new(), 64 * 1024, 5, 22);
                encoder.write_all(plain).map(|()| encoder.into_inner())
            }
            Self::Gzip => {
                let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
                encoder.write_all(plain).and_then(|()| encoder.finish())
            }
            Self::Zstd => zstd::encode_all(plain, 3),
        };
        encoded.expect("memory takes it")
    }

    /// Compresses one stream of which each piece can be read as soon as it has come.
    ///
    /// # Panics
    /// Never: memory takes whatever is written to it.
    pub fn encode_each(self, pieces: &[impl AsRef<[u8]>]) -> Vec<Vec<u8>> {
        let pieces = pieces.iter().map(AsRef::as_ref);
        let encoded = match self {
            Self::Brotli => {
                let encoder = brotli::CompressorWriter::new(Vec::new(), 64 * 1024, 5, 22);
                flushed(
                    encoder,
                    pieces,
                    |encoder| encoder.get_ref().len(),
                    |encoder| Ok(encoder.into_inner()),
                )
            }
            Self::Gzip => {
                let encoder = GzEncoder::new(Vec::new(), Compression::default());
                flushed(encoder, pieces, |encoder| encoder.get_ref().len(), GzEncoder::finish)
            }
            Self::Zstd => zstd::Encoder::new(Vec::new(), 3).and_then(|encoder| {
                flushed(encoder, pieces, |encoder| encoder.get_ref().len(), zstd::Encoder::finish)
            }),
        };
        encoded.expect("memory takes it")
    }

    /// Decompresses what is whole.
    ///
    /// # Errors
    /// When it is not, or not of this encoding.
    pub fn decode(self, encoded: &[u8]) -> io::Result<Vec<u8>> {
        let mut plain = Vec::new();
        match self {
            Self::Brotli => brotli::Decompressor::new(encoded, 64 * 1024).read_to_end(&mut plain)?,
            Self::Gzip => GzDecoder::new(encoded).read_to_end(&mut plain)?,
            Self::Zstd => return zstd::decode_all(encoded),
        };
        Ok(plain)
    }
}

/// What an encoder has written after each piece; the last has its end, too.
fn flushed<'a, W: io::Write>(
    mut encoder: W,
    pieces: impl Iterator<Item = &'a [u8]>,
    written: impl Fn(&W) -> usize,
    finish: impl Fn(W) -> io::Result<Vec<u8>>,
) -> io::Result<Vec<Vec<u8>>> {
    let mut ends = Vec::new();
    for piece in pieces {
        encoder.write_all(piece)?;
        encoder.flush()?;
        ends.push(written(&encoder));
    }
    let mut rest = finish(encoder)?;
    ends.pop();
    let mut encoded: Vec<_> = ends.into_iter().rev().map(|end| rest.split_off(end)).collect();
    encoded.push(rest);
    encoded.reverse();
    Ok(encoded)
}
