// Pins: the JDK's HTTP server and a client over a plain connection on the own loopback and a free port.
import com.sun.net.httpserver.HttpServer;
import java.io.*;
import java.net.*;
import java.nio.charset.StandardCharsets;

public class Main {
    public static void main(String[] args) throws Exception {
        HttpServer s = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        s.createContext("/echo", x -> {
            byte[] in = x.getRequestBody().readAllBytes();
            byte[] out = (x.getRequestMethod() + " " + x.getRequestURI() + " " + new String(in, StandardCharsets.UTF_8)).getBytes(StandardCharsets.UTF_8);
            x.getResponseHeaders().add("X-Seen", x.getRequestHeaders().getFirst("X-Ask"));
            x.sendResponseHeaders(in.length > 0 ? 201 : 200, out.length);
            x.getResponseBody().write(out);
            x.close();
        });
        s.createContext("/big", x -> {
            x.sendResponseHeaders(200, 0);
            try (OutputStream o = x.getResponseBody()) {
                for (int i = 0; i < 1000; i++) o.write("0123456789".repeat(20).getBytes());
            }
        });
        s.start();
        int port = s.getAddress().getPort();
        for (String p : new String[] {"/echo?q=a%20b", "/big", "/none"}) {
            HttpURLConnection c = (HttpURLConnection) new URL("http", "127.0.0.1", port, p).openConnection();
            c.setRequestProperty("X-Ask", "yes");
            if (p.startsWith("/echo")) {
                c.setDoOutput(true);
                c.getOutputStream().write("bödy".getBytes(StandardCharsets.UTF_8));
            }
            InputStream in = c.getResponseCode() < 400 ? c.getInputStream() : c.getErrorStream();
            byte[] b = in.readAllBytes();
            System.out.println(c.getResponseCode() + " " + c.getHeaderField("X-Seen") + " " + b.length + " " + new String(b, 0, Math.min(b.length, 50), StandardCharsets.UTF_8));
        }
        s.stop(0);
        try {
            new Socket("127.0.0.1", port);
        } catch (ConnectException e) {
            System.out.println(e.getMessage());
        }
    }
}
