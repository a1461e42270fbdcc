// Pins: text in an unflushed writer is lost at exit, what was flushed is kept.
import java.io.PrintWriter;

class Main {
    public static void main(String[] args) {
        PrintWriter w = new PrintWriter(System.out);
        w.println("flushed");
        w.flush();
        w.println("lost");
        System.err.println("done");
    }
}
