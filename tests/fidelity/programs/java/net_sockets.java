// Pins: TCP with several clients and half-close, UDP datagrams, timeouts, refusal, a selector, on the own loopback.
import java.io.*;
import java.net.*;
import java.nio.ByteBuffer;
import java.nio.channels.*;
import java.util.concurrent.*;

public class Main {
    public static void main(String[] args) throws Exception {
        InetAddress lo = InetAddress.getByName("127.0.0.1");
        ServerSocket ss = new ServerSocket(0, 10, lo);
        ExecutorService pool = Executors.newFixedThreadPool(4);
        for (int i = 0; i < 4; i++) pool.submit(() -> {
            try (Socket s = ss.accept()) {
                BufferedReader r = new BufferedReader(new InputStreamReader(s.getInputStream()));
                PrintWriter w = new PrintWriter(s.getOutputStream(), true);
                for (String l; (l = r.readLine()) != null; ) w.println(l.toUpperCase());
                w.print("bye");
                w.flush();
            }
            return null;
        });
        for (int i = 0; i < 4; i++) {
            try (Socket s = new Socket(lo, ss.getLocalPort())) {
                s.getOutputStream().write(("client " + i + "\nagain\n").getBytes());
                s.shutdownOutput();
                System.out.println(new String(s.getInputStream().readAllBytes()).replace("\n", "|"));
            }
        }
        pool.shutdown();
        ss.setSoTimeout(20);
        try {
            ss.accept();
        } catch (SocketTimeoutException e) {
            System.out.println(e.getMessage());
        }
        ss.close();
        try (DatagramSocket a = new DatagramSocket(0, lo); DatagramSocket b = new DatagramSocket(0, lo)) {
            b.send(new DatagramPacket("datagram".getBytes(), 8, lo, a.getLocalPort()));
            DatagramPacket p = new DatagramPacket(new byte[100], 100);
            a.receive(p);
            System.out.println(new String(p.getData(), 0, p.getLength()) + " " + (p.getPort() == b.getLocalPort()));
        }
        try (Selector sel = Selector.open(); ServerSocketChannel sc = ServerSocketChannel.open().bind(new InetSocketAddress(lo, 0))) {
            sc.configureBlocking(false).register(sel, SelectionKey.OP_ACCEPT);
            System.out.println(sel.selectNow());
            SocketChannel c = SocketChannel.open(sc.getLocalAddress());
            System.out.println(sel.select(2000) + " " + sel.selectedKeys().iterator().next().isAcceptable());
            SocketChannel peer = sc.accept();
            c.write(ByteBuffer.wrap("nio".getBytes()));
            ByteBuffer buf = ByteBuffer.allocate(10);
            System.out.println(peer.read(buf) + " " + new String(buf.array(), 0, buf.position()));
        }
        new Socket(lo, ss.getLocalPort());
    }
}
