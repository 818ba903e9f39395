//! `s3_files FOLDER`: serves a folder as S3 on a loopback port, as cheaply as one can.
//!
//! ```text
//! file ─▶ memory, once ─▶ GET bucket/key
//!         PUT part, PUT object ─▶ memory ─▶ file, when a line comes from standard input
//! ```
//!
//! It prints its endpoint, then serves until standard input ends. At each line from there it puts what was
//! uploaded into its files, forgets it, and prints an empty line: what a disk costs is not part of what S3 costs
//! its client. Only what a conversion asks for is answered; nothing is checked: signatures, etags of parts,
//! checksums. So as little as can be of the time that is measured is this server's. The tests have an S3 of their
//! own.

#![allow(missing_docs, unreachable_pub, reason = "a program for one measurement")]

use std::collections::{BTreeMap, HashMap};
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A line of a header.
const LINE_BYTES_MAX: u64 = 64 << 10;
/// Longest part that is taken.
const PART_BYTES_MAX: u64 = 64 << 20;

fn main() -> io::Result<()> {
    let folder = std::env::args().nth(1).ok_or_else(|| io::Error::other("s3_files FOLDER"))?;
    let listener = TcpListener::bind("127.0.0.1:0")?;
    println!("http://{}", listener.local_addr()?);
    let store = Arc::new(Store { folder: folder.into(), held: Mutex::default() });
    let served = store.clone();
    std::thread::spawn(move || {
        for connection in listener.incoming().flatten() {
            let store = served.clone();
            std::thread::spawn(move || store.serve(connection));
        }
    });
    for line in io::stdin().lines() {
        line?;
        store.write_out()?;
        println!();
    }
    Ok(())
}

struct Store {
    folder: PathBuf,
    held: Mutex<Held>,
}

/// What is in memory.
#[derive(Default)]
struct Held {
    files: HashMap<PathBuf, Arc<Object>>,
    uploaded: HashMap<PathBuf, Arc<Object>>,
    /// Parts of uploads that are under way, by upload and number.
    uploads: HashMap<u64, BTreeMap<u64, Vec<u8>>>,
    next_upload: u64,
    /// Buffers for the next parts.
    spare: Vec<Vec<u8>>,
}

/// The bytes of an object, in order.
struct Object(Vec<Vec<u8>>);

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
        let upload = request.query.get("uploadId").and_then(|id| id.parse().ok());
        match (request.method.as_str(), upload) {
            // Only asked to see that an output folder is empty.
            ("GET", _) if request.query.contains_key("list-type") => say(
                answers,
                "200 OK",
                "",
                "<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>",
            ),
            ("GET" | "HEAD", _) => read(&*self.object(&path)?, request, answers),
            ("PUT", Some(upload)) => {
                let number: u64 = request.query.get("partNumber").and_then(|n| n.parse().ok()).unwrap_or(1);
                let part = self.take_part(request.length, body)?;
                self.held().uploads.entry(upload).or_default().insert(number, part);
                say(answers, "200 OK", &format!("ETag: \"{number}\"\r\n"), "")
            }
            ("PUT", None) => {
                let part = self.take_part(request.length, body)?;
                self.held().uploaded.insert(path, Arc::new(Object(vec![part])));
                say(answers, "200 OK", "ETag: \"1\"\r\n", "")
            }
            ("POST", None) => {
                let id = self.begin_upload();
                let text = format!(
                    "<InitiateMultipartUploadResult><UploadId>{id}</UploadId></InitiateMultipartUploadResult>"
                );
                say(answers, "200 OK", "", &text)
            }
            ("POST", Some(upload)) => {
                self.end_upload(upload, path);
                let text =
                    "<CompleteMultipartUploadResult><ETag>\"1\"</ETag></CompleteMultipartUploadResult>";
                say(answers, "200 OK", "", text)
            }
            (_, Some(upload)) => {
                self.held().uploads.remove(&upload);
                say(answers, "204 No Content", "", "")
            }
            (_, None) => {
                self.held().uploaded.remove(&path);
                say(answers, "204 No Content", "", "")
            }
        }
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn begin_upload(&self) -> u64 {
        let mut held = self.held();
        held.next_upload += 1;
        held.next_upload
    }

    fn end_upload(&self, upload: u64, path: PathBuf) {
        let mut held = self.held();
        let parts = held.uploads.remove(&upload).unwrap_or_default();
        held.uploaded.insert(path, Arc::new(Object(parts.into_values().collect())));
    }

    /// What was uploaded or, read once and then kept, a file.
    fn object(&self, path: &Path) -> io::Result<Arc<Object>> {
        let mut held = self.held();
        if let Some(object) = held.uploaded.get(path).or_else(|| held.files.get(path)) {
            return Ok(object.clone());
        }
        let object = Arc::new(Object(vec![fs::read(path)?]));
        held.files.insert(path.to_owned(), object.clone());
        Ok(object)
    }

    fn take_part(&self, length: u64, body: &mut impl Read) -> io::Result<Vec<u8>> {
        if length > PART_BYTES_MAX {
            return Err(io::Error::other("a part this long is not taken"));
        }
        let mut part = self.held().spare.pop().unwrap_or_default();
        part.resize(length as usize, 0);
        body.read_exact(&mut part)?;
        Ok(part)
    }

    /// Puts what was uploaded into files, and keeps its memory for the next upload.
    fn write_out(&self) -> io::Result<()> {
        let uploaded = std::mem::take(&mut self.held().uploaded);
        for (path, object) in uploaded {
            self.held().files.remove(&path);
            path.parent().map_or(Ok(()), fs::create_dir_all)?;
            let mut file = File::create(&path)?;
            for part in &object.0 {
                file.write_all(part)?;
            }
            if let Some(object) = Arc::into_inner(object) {
                self.held().spare.extend(object.0);
            }
        }
        Ok(())
    }
}

fn read(object: &Object, request: &Request, answers: &mut TcpStream) -> io::Result<()> {
    let length: u64 = object.0.iter().map(|part| part.len() as u64).sum();
    let (start, end) = request.range.map_or((0, length), |(start, last)| (start, length.min(last + 1)));
    let status = match request.range {
        Some(_) => format!("206 Partial Content\r\nContent-Range: bytes {start}-{}/{length}", end.max(1) - 1),
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
    let mut at = 0;
    for part in &object.0 {
        let inside = |place: u64| (place.saturating_sub(at) as usize).min(part.len());
        answers.write_all(part.get(inside(start)..inside(end)).unwrap_or_default())?;
        at += part.len() as u64;
    }
    Ok(())
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
