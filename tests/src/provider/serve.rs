//! Connections: accept, record, answer.

use std::{io, sync::Arc};

use http::{Request, Response};
use http_body_util::BodyExt as _;
use hyper::{body::Incoming, service::service_fn};
use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    server::conn::auto,
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpStream},
    sync::{Notify, oneshot},
};
use tokio_rustls::TlsAcceptor;

use super::{
    KEY_HEADER, Shared, echo,
    record::{BodyWriter, End},
    script::{Reply, ScriptBody},
};

/// Accepts connections for ever.
pub(super) async fn serve(listener: TcpListener, acceptor: Option<TlsAcceptor>, shared: Arc<Shared>) {
    loop {
        // Accepting fails for one peer or for lack of descriptors; neither is a reason to stop.
        let Ok((stream, _)) = listener.accept().await else {
            tokio::task::yield_now().await;
            continue;
        };
        tokio::spawn(connection(stream, acceptor.clone(), Arc::clone(&shared)));
    }
}

async fn connection(stream: TcpStream, acceptor: Option<TlsAcceptor>, shared: Arc<Shared>) {
    let number = shared.records.connected();
    // Small pieces must leave when they are written, or cuts would be the kernel's.
    let _ = stream.set_nodelay(true);
    match acceptor {
        None => http(stream, number, shared).await,
        Some(acceptor) => {
            if let Ok(stream) = acceptor.accept(stream).await {
                http(stream, number, shared).await;
            }
        }
    }
}

async fn http<S>(stream: S, connection: usize, shared: Arc<Shared>)
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let disconnect = Arc::new(Notify::new());
    let service = {
        let disconnect = Arc::clone(&disconnect);
        service_fn(move |request| answer(request, connection, Arc::clone(&disconnect), Arc::clone(&shared)))
    };
    let builder = auto::Builder::new(TokioExecutor::new());
    tokio::select! {
        // Its errors are the peer's going away, which the records show.
        _ = builder.serve_connection(TokioIo::new(stream), service) => {}
        () = disconnect.notified() => {}
    }
}

async fn answer(
    request: Request<Incoming>,
    connection: usize,
    disconnect: Arc<Notify>,
    shared: Arc<Shared>,
) -> io::Result<Response<ScriptBody>> {
    let (head, body) = request.into_parts();
    let answering = shared.records.begin(&head, connection, &disconnect);
    let key = head.headers.get(KEY_HEADER).and_then(|key| key.to_str().ok());
    let reply = shared.reply_to(key);

    // A task of its own: when the connection dies in the body, hyper drops this future, and the record must
    // still say so.
    let (ended, end) = oneshot::channel();
    tokio::spawn(read(body, answering.body_writer(), ended));
    let early = matches!(&reply, Reply::Script(script) if script.early);
    if !early && end.await != Ok(End::Complete) {
        return Err(io::ErrorKind::ConnectionAborted.into());
    }

    let script = match reply {
        Reply::Echo(echo) => echo::answer(&answering.recorded(), &echo),
        Reply::Script(script) => script,
    };
    script.run_before_head(&answering).await?;
    let mut response = Response::new(ScriptBody::new(script.steps, answering));
    *response.status_mut() = script.status;
    *response.headers_mut() = script.headers;
    Ok(response)
}

/// Reads a body to its end and notes it.
async fn read(mut body: Incoming, record: BodyWriter, ended: oneshot::Sender<End>) {
    let end = loop {
        match body.frame().await {
            None => break End::Complete,
            Some(Err(_)) => break End::Cut,
            Some(Ok(frame)) => match frame.into_data() {
                Ok(bytes) => record.push(&bytes),
                Err(frame) => {
                    if let Some(trailers) = frame.trailers_ref() {
                        record.trailers(trailers);
                    }
                }
            },
        }
    };
    record.end(end);
    // Nobody listens when the answer was sent early or the connection is gone.
    let _ = ended.send(end);
}
