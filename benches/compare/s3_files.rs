//! `s3_files FOLDER`: serves a folder as S3 on a loopback port, as cheaply as one can.
//!
//! ```text
//! GET of a large range        the object, kept in memory ─▶ socket
//! GET, HEAD bucket/key        file ─▶ 256 KiB ─▶ socket
//! PUT part, PUT object        socket ─▶ 256 KiB ─▶ file, each part at its place
//! ```
//!
//! It prints its endpoint, then serves until standard input ends. Only what a conversion asks for is
//! answered; nothing is checked: signatures, etags of parts, checksums. So as little as can be of the time
//! that is measured is this server's. The tests have an S3 of their own.

#![allow(missing_docs, unreachable_pub, reason = "a program for one measurement")]

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

/// Where parts are put depends on it: every part but the last must be so long.
const PART_BYTES: u64 = 8 << 20;
/// What is copied at a time.
const PIECE_BYTES: usize = 256 << 10;
/// From this length on, a range is answered out of memory: a copy out of the page cache less.
const KEPT_RANGE_BYTES_MIN: u64 = 1 << 20;
/// A line of a header.
const LINE_BYTES_MAX: u64 = 64 << 10;

fn main() -> io::Result<()> {
    let folder = std::env::args().nth(1).ok_or_else(|| io::Error::other("s3_files FOLDER"))?;
    let listener = TcpListener::bind("127.0.0.1:0")?;
    println!("http://{}", listener.local_addr()?);
    let store = Arc::new(Store { folder: folder.into(), uploads: AtomicU64::new(0), kept: Mutex::default() });
    std::thread::spawn(move || {
        for connection in listener.incoming().flatten() {
            let store = store.clone();
            std::thread::spawn(move || store.serve(connection));
        }
    });
    io::copy(&mut io::stdin(), &mut io::sink()).map(drop)
}

struct Store {
    folder: PathBuf,
    uploads: AtomicU64,
    kept: Mutex<Option<Kept>>,
}

/// The object that is read.
struct Kept {
    path: PathBuf,
    modified: SystemTime,
    bytes: Arc<Vec<u8>>,
}

#[derive(Default)]
struct Request {
    method: String,
    path: String,
    query: HashMap<String, String>,
    range: Option<(u64, u64)>,
    length: u64,
}

impl Store {
    fn serve(&self, connection: TcpStream) -> io::Result<()> {
        connection.set_nodelay(true)?;
        do_not_pace(&connection);
        let mut answers = connection.try_clone()?;
        let mut requests = BufReader::with_capacity(16 << 10, connection);
        while let Some(request) = read_request(&mut requests)? {
            let mut body = requests.by_ref().take(request.length);
            let answered = self.answer(&request, &mut body, &mut answers);
            io::copy(&mut body, &mut io::sink())?;
            match answered {
                Ok(()) => {}
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    say(&mut answers, "404 Not Found", "", "")?
                }
                Err(error) => {
                    eprintln!("s3_files: {} {}: {error}", request.method, request.path);
                    say(&mut answers, "500 Internal Server Error", "", "")?;
                }
            }
        }
        Ok(())
    }

    fn answer(&self, request: &Request, body: &mut impl Read, answers: &mut TcpStream) -> io::Result<()> {
        let path = self.folder.join(request.path.trim_start_matches('/'));
        let upload = request.query.get("uploadId").map(|id| self.folder.join(format!("upload-{id}")));
        match (request.method.as_str(), upload) {
            // Only asked to see that an output folder is empty.
            ("GET", _) if request.query.contains_key("list-type") => say(
                answers,
                "200 OK",
                "",
                "<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>",
            ),
            ("GET" | "HEAD", _) => self.read(&path, request, answers),
            ("PUT", Some(upload)) => {
                let number: u64 = request.query.get("partNumber").and_then(|n| n.parse().ok()).unwrap_or(1);
                let mut file = File::options().write(true).open(upload)?;
                file.seek(SeekFrom::Start((number - 1) * PART_BYTES))?;
                pour(body, &mut file)?;
                say(answers, "200 OK", &format!("ETag: \"{number}\"\r\n"), "")
            }
            ("PUT", None) => {
                make_room(&path)?;
                pour(body, &mut File::create(&path)?)?;
                say(answers, "200 OK", "ETag: \"1\"\r\n", "")
            }
            ("POST", None) => {
                let id = self.uploads.fetch_add(1, Ordering::Relaxed);
                File::create(self.folder.join(format!("upload-{id}")))?;
                let text = format!(
                    "<InitiateMultipartUploadResult><UploadId>{id}</UploadId></InitiateMultipartUploadResult>"
                );
                say(answers, "200 OK", "", &text)
            }
            ("POST", Some(upload)) => {
                make_room(&path)?;
                fs::rename(upload, &path)?;
                let text =
                    "<CompleteMultipartUploadResult><ETag>\"1\"</ETag></CompleteMultipartUploadResult>";
                say(answers, "200 OK", "", text)
            }
            (_, upload) => {
                fs::remove_file(upload.unwrap_or(path))?;
                say(answers, "204 No Content", "", "")
            }
        }
    }

    fn read(&self, path: &Path, request: &Request, answers: &mut TcpStream) -> io::Result<()> {
        let mut file = File::open(path)?;
        let length = file.metadata()?.len();
        let (start, end) = request.range.map_or((0, length), |(start, last)| (start, length.min(last + 1)));
        let status = match request.range {
            Some(_) => {
                format!("206 Partial Content\r\nContent-Range: bytes {start}-{}/{length}", end.max(1) - 1)
            }
            None => "200 OK".to_owned(),
        };
        let head = format!(
            "HTTP/1.1 {status}\r\nETag: \"1\"\r\nLast-Modified: Sun, 22 Nov 2026 03:44:10 GMT\r\n\
             Accept-Ranges: bytes\r\nContent-Length: {}\r\n\r\n",
            end.saturating_sub(start)
        );
        answers.write_all(head.as_bytes())?;
        if request.method != "GET" {
            return Ok(());
        }
        if end.saturating_sub(start) >= KEPT_RANGE_BYTES_MIN {
            let bytes = self.keep(path, file)?;
            return answers.write_all(bytes.get(start as usize..end as usize).unwrap_or_default());
        }
        file.seek(SeekFrom::Start(start))?;
        // Cheaper than sendfile, where both ends are on one machine.
        pour(&mut file.take(end.saturating_sub(start)), answers)
    }

    /// The bytes of a file; one is kept at a time.
    fn keep(&self, path: &Path, mut file: File) -> io::Result<Arc<Vec<u8>>> {
        let modified = file.metadata()?.modified()?;
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(same) = kept.as_ref().filter(|kept| kept.path == path && kept.modified == modified) {
            return Ok(same.bytes.clone());
        }
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        let bytes = Arc::new(bytes);
        *kept = Some(Kept { path: path.to_owned(), modified, bytes: bytes.clone() });
        Ok(bytes)
    }
}

/// Leaves out what some systems do to be fair on shared lines: a timer for every few packets. Of the time on loopback
/// that would be a part which no real S3 takes from the machine that is measured.
#[cfg(target_os = "linux")]
fn do_not_pace(connection: &TcpStream) {
    use std::os::fd::AsRawFd;
    const PLAIN: &[u8] = b"reno";
    // SAFETY: the name's bytes live through the call, which is told their number and only reads them. A system
    // that has no such algorithm says so and keeps its own, which is as good.
    unsafe {
        libc::setsockopt(
            connection.as_raw_fd(),
            libc::IPPROTO_TCP,
            libc::TCP_CONGESTION,
            PLAIN.as_ptr().cast(),
            PLAIN.len() as libc::socklen_t,
        );
    }
}

#[cfg(not(target_os = "linux"))]
fn do_not_pace(_: &TcpStream) {}

/// Copies in large pieces.
fn pour(from: &mut impl Read, to: &mut impl Write) -> io::Result<()> {
    let mut piece = vec![0; PIECE_BYTES];
    loop {
        match from.read(&mut piece)? {
            0 => return Ok(()),
            count => to.write_all(&piece[..count])?,
        }
    }
}

fn make_room(path: &Path) -> io::Result<()> {
    path.parent().map_or(Ok(()), fs::create_dir_all)
}

fn say(answers: &mut TcpStream, status: &str, headers: &str, body: &str) -> io::Result<()> {
    let length = match status.starts_with("204") {
        true => String::new(),
        false => format!("Content-Length: {}\r\n", body.len()),
    };
    answers.write_all(format!("HTTP/1.1 {status}\r\n{headers}{length}\r\n{body}").as_bytes())
}

/// The next request's head; `None` once the other side is done.
fn read_request(from: &mut BufReader<TcpStream>) -> io::Result<Option<Request>> {
    let first = line(from)?;
    let mut words = first.split_whitespace();
    let (Some(method), Some(target)) = (words.next(), words.next()) else { return Ok(None) };
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let pairs = query.split('&').map(|pair| pair.split_once('=').unwrap_or((pair, "")));
    let mut request = Request {
        method: method.to_owned(),
        path: path.to_owned(),
        query: pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
        ..Request::default()
    };
    loop {
        let header = line(from)?;
        let Some((name, value)) = header.split_once(':') else { return Ok(Some(request)) };
        match name.to_ascii_lowercase().as_str() {
            "content-length" => request.length = value.trim().parse().map_err(io::Error::other)?,
            "range" => {
                let range = value.trim().trim_start_matches("bytes=").split_once('-');
                request.range =
                    range.and_then(|(start, last)| Some((start.parse().ok()?, last.parse().ok()?)));
            }
            _ => {}
        }
    }
}

fn line(from: &mut BufReader<TcpStream>) -> io::Result<String> {
    let mut line = String::new();
    from.take(LINE_BYTES_MAX).read_line(&mut line)?;
    Ok(line.trim_end().to_owned())
}
