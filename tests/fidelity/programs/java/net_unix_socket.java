// Pins: a Unix domain socket in the working directory, echo through it, second bind and removal.
import java.net.*;
import java.nio.ByteBuffer;
import java.nio.channels.*;
import java.nio.file.*;

public class Main {
    public static void main(String[] args) throws Exception {
        UnixDomainSocketAddress at = UnixDomainSocketAddress.of("s.sock");
        try (ServerSocketChannel server = ServerSocketChannel.open(StandardProtocolFamily.UNIX).bind(at)) {
            Thread t = new Thread(() -> {
                try (SocketChannel c = server.accept()) {
                    ByteBuffer b = ByteBuffer.allocate(100);
                    while (c.read(b) >= 0);
                    c.write(b.flip());
                } catch (Exception e) {
                    System.out.println(e);
                }
            });
            t.start();
            try (SocketChannel c = SocketChannel.open(at)) {
                c.write(ByteBuffer.wrap("over a unix socket".getBytes()));
                c.shutdownOutput();
                System.out.println(new String(Channels.newInputStream(c).readAllBytes()) + " " + c.getRemoteAddress());
            }
            t.join();
            try {
                ServerSocketChannel.open(StandardProtocolFamily.UNIX).bind(at);
            } catch (BindException e) {
                System.out.println(e.getMessage());
            }
        }
        System.out.println(Files.exists(Path.of("s.sock")) + " " + Files.deleteIfExists(Path.of("s.sock")));
        SocketChannel.open(at);
    }
}
