use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream, UdpSocket};

fn main() -> std::io::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let at = listener.local_addr()?;
    let server = std::thread::spawn(move || {
        let (mut peer, _) = listener.accept().unwrap();
        let mut text = String::new();
        peer.read_to_string(&mut text).unwrap();
        peer.write_all(text.to_uppercase().as_bytes()).unwrap();
    });
    let mut client = TcpStream::connect(at)?;
    client.write_all(b"hello")?;
    client.shutdown(std::net::Shutdown::Write)?;
    let mut text = String::new();
    client.read_to_string(&mut text)?;
    server.join().unwrap();
    let (a, b) = (UdpSocket::bind("127.0.0.1:0")?, UdpSocket::bind("127.0.0.1:0")?);
    a.send_to(b"udp", b.local_addr()?)?;
    let mut room = [0; 8];
    println!("{text} {}", b.recv_from(&mut room)?.0);
    println!("{}", TcpStream::connect("192.0.2.1:9").is_err());
    Ok(())
}
