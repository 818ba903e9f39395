//! HTTP by hand: what a proper client would never send must be sent too.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// No answer of these tests takes longer.
const PATIENCE: Duration = Duration::from_secs(30);

/// An answer.
#[derive(Debug, Clone)]
pub struct Answer {
    pub status: u16,
    pub head: String,
    pub body: String,
}

pub fn connect(to: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(to).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.set_nodelay(true).unwrap();
    stream
}

/// The head of a POST whose body has `length` bytes.
pub fn head(path: &str, headers: &[(&str, &str)], length: usize) -> String {
    let mut head = format!("POST {path} HTTP/1.1\r\nhost: receiver\r\ncontent-length: {length}\r\n");
    for (name, value) in headers {
        head += &format!("{name}: {value}\r\n");
    }
    head + "\r\n"
}

pub fn post(to: SocketAddr, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
    let mut stream = connect(to);
    let mut request = head(path, headers, body.len()).into_bytes();
    request.extend_from_slice(body);
    stream.write_all(&request).unwrap();
    answer(&mut stream)
}

pub fn get(to: SocketAddr, path: &str) -> Answer {
    let mut stream = connect(to);
    stream.write_all(format!("GET {path} HTTP/1.1\r\nhost: receiver\r\n\r\n").as_bytes()).unwrap();
    answer(&mut stream)
}

/// Reads one answer, and no byte of the next.
pub fn answer(stream: &mut TcpStream) -> Answer {
    read_answer(stream).expect("an answer")
}

/// The answer, or none if the connection ends before it.
pub fn read_answer(stream: &mut TcpStream) -> Option<Answer> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        match stream.read(&mut byte) {
            Ok(1) => head.push(byte[0]),
            _ => return None,
        }
    }
    let head = String::from_utf8(head).unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    let length = head.to_lowercase();
    let length = length.split("content-length: ").nth(1).and_then(|rest| rest.lines().next());
    let mut body = vec![0; length.map_or(0, |length| length.parse().unwrap())];
    stream.read_exact(&mut body).unwrap();
    Some(Answer { status, head, body: String::from_utf8(body).unwrap() })
}
