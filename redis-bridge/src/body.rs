//! Bodies of calls: read within bounds of length, time and memory, and written in slices that a slow reader cannot pin.

use std::{
    future::poll_fn,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use axum::body::Body;
use bridge_api::MAX_REQUEST_LEN;
use hyper::body::{Body as HttpBody, Bytes, Frame, SizeHint};
use prometheus_client::metrics::gauge::Gauge;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::error::Refusal;

/// Longest that a caller may take to send a body.
pub const BODY_TIME: Duration = Duration::from_secs(10);
/// Bytes of bodies, of calls and answers, that are held at the same time; calls beyond are refused as `busy`.
pub const MAX_BODIES_LEN: usize = 256 * 1024 * 1024;
/// How much of an answer is handed to the connection at once.
const SLICE_LEN: usize = 64 * 1024;

/// Counts the bytes of all bodies.
#[derive(Clone, Debug)]
pub(crate) struct Budget {
    free: Arc<Semaphore>,
    gauge: Gauge,
}

/// A part of the budget, given back on drop.
#[derive(Debug)]
struct Share {
    permit: Option<OwnedSemaphorePermit>,
    gauge: Gauge,
}

/// A body that was read.
pub(crate) struct Received {
    pub(crate) bytes: Vec<u8>,
    _share: Share,
}

impl Budget {
    pub(crate) fn new(len: usize, gauge: Gauge) -> Self {
        Self { free: Arc::new(Semaphore::new(len)), gauge }
    }

    /// Reads a body to its end.
    pub(crate) async fn receive(&self, mut body: Body) -> Result<Received, Refusal> {
        if body.size_hint().lower() > MAX_REQUEST_LEN as u64 {
            return Err(Refusal::TooLarge);
        }
        let mut received = Received { bytes: Vec::new(), _share: self.share() };
        let reading = async {
            while let Some(frame) = poll_fn(|cx| Pin::new(&mut body).poll_frame(cx)).await {
                let frame = frame
                    .map_err(|_| Refusal::NotTheBody("The body does not end as it should".to_owned()))?;
                // Trailers mean nothing here.
                let Ok(data) = frame.into_data() else { continue };
                if received.bytes.len() + data.len() > MAX_REQUEST_LEN {
                    return Err(Refusal::TooLarge);
                }
                received._share.grow(self, data.len())?;
                received.bytes.extend_from_slice(&data);
            }
            Ok(())
        };
        tokio::time::timeout(BODY_TIME, reading).await.unwrap_or(Err(Refusal::SlowBody))?;
        Ok(received)
    }

    /// The body of an answer.
    pub(crate) fn send(&self, bytes: Vec<u8>) -> Result<Body, Refusal> {
        let mut share = self.share();
        share.grow(self, bytes.len())?;
        Ok(Body::new(Sending { rest: bytes.into(), _share: share }))
    }

    fn share(&self) -> Share {
        Share { permit: None, gauge: self.gauge.clone() }
    }
}

impl Share {
    fn grow(&mut self, budget: &Budget, len: usize) -> Result<(), Refusal> {
        let count = u32::try_from(len).map_err(|_| Refusal::TooLarge)?;
        let more = Arc::clone(&budget.free).try_acquire_many_owned(count).map_err(|_| Refusal::Busy)?;
        self.gauge.inc_by(i64::from(count));
        match &mut self.permit {
            Some(permit) => permit.merge(more),
            none => *none = Some(more),
        }
        Ok(())
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        let held = self.permit.as_ref().map_or(0, OwnedSemaphorePermit::num_permits);
        self.gauge.dec_by(i64::try_from(held).unwrap_or_default());
    }
}

/// An answer that leaves in slices.
struct Sending {
    rest: Bytes,
    _share: Share,
}

impl HttpBody for Sending {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let slice = match self.rest.len() {
            0 => return Poll::Ready(None),
            // A copy, so that the last slice does not keep all of them in memory.
            len => Bytes::copy_from_slice(&self.rest.split_to(len.min(SLICE_LEN))),
        };
        Poll::Ready(Some(Ok(Frame::data(slice))))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.rest.len() as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::body::to_bytes;

    #[tokio::test]
    async fn bodies_share_a_budget_and_give_it_back() {
        let gauge = Gauge::default();
        let budget = Budget::new(100, gauge.clone());
        let first = budget.receive(Body::from(vec![1; 60])).await.unwrap();
        assert_eq!((first.bytes.len(), gauge.get()), (60, 60));
        assert_eq!(budget.receive(Body::from(vec![1; 41])).await.err(), Some(Refusal::Busy));
        assert_eq!(budget.send(vec![1; 41]).err(), Some(Refusal::Busy));
        let answer = budget.send(vec![1; 40]).unwrap();
        assert_eq!(gauge.get(), 100);
        drop(first);
        drop(answer);
        assert_eq!(gauge.get(), 0);
        assert!(budget.receive(Body::from(vec![1; 100])).await.is_ok());
    }

    #[tokio::test]
    async fn answers_leave_in_slices() {
        let budget = Budget::new(MAX_BODIES_LEN, Gauge::default());
        let bytes: Vec<u8> = (0..=u8::MAX).cycle().take(3 * SLICE_LEN + 1).collect();
        let mut answer = budget.send(bytes.clone()).unwrap();
        let mut lengths = Vec::new();
        while let Some(frame) = poll_fn(|cx| Pin::new(&mut answer).poll_frame(cx)).await {
            lengths.push(frame.unwrap().into_data().unwrap().len());
        }
        assert_eq!(lengths, [SLICE_LEN, SLICE_LEN, SLICE_LEN, 1]);
        let whole = to_bytes(budget.send(bytes.clone()).unwrap(), usize::MAX).await.unwrap();
        assert_eq!(whole, bytes);
    }
}
