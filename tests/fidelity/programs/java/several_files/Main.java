// Pins: several classes of the unnamed package in several files, with a data file beside them read at run time.
import java.io.*;
import java.nio.file.*;

public class Main {
    public static void main(String[] args) throws IOException {
        System.out.println(Files.readString(Path.of("notes/about.txt")).strip());
        Calculator c = new Calculator();
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in));
        for (String l; (l = in.readLine()) != null; ) System.out.println(l + " -> " + c.eval(l));
    }
}
