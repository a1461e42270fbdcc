// Pins: the case's environment arrives unchanged; HOME and user.dir are the working directory; children inherit.
import java.nio.file.*;

public class Main {
    public static void main(String[] args) throws Exception {
        for (String k : new String[] {"PLAIN", "SPACES", "EMPTY", "UNICODE", "MULTI", "EQUALS", "LANG", "lower_case", "ABSENT"}) {
            String v = System.getenv(k);
            System.out.println(k + " <" + v + "> " + (v == null ? -1 : v.length()));
        }
        System.out.println(System.getProperty("user.dir").equals(System.getenv("HOME")));
        System.out.println(Path.of("").toAbsolutePath().equals(Path.of(System.getProperty("user.dir"))));
        System.out.println(System.getProperty("file.encoding") + " " + System.getProperty("line.separator").length() + System.getProperty("file.separator"));
        ProcessBuilder p = new ProcessBuilder("sh", "-c", "printf '%s|' \"$ADDED\" \"${PLAIN-unset}\" \"$MULTI\" \"$UNICODE\"");
        p.environment().put("ADDED", "by parent");
        p.environment().remove("PLAIN");
        System.out.println(new String(p.start().getInputStream().readAllBytes()));
        try {
            System.getenv().put("A", "b");
        } catch (UnsupportedOperationException e) {
            System.out.println("read only");
        }
    }
}
