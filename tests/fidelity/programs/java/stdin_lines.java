// Pins: stdin line by line: empty lines, CRLF, lone CR, a last line without newline, then null.
import java.io.*;

public class Main {
    public static void main(String[] args) throws IOException {
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in));
        int n = 0;
        for (String line; (line = in.readLine()) != null; ) {
            System.out.println(++n + " <" + line + "> " + line.length());
        }
        System.out.println(n + " lines, then " + in.read() + " " + in.readLine());
    }
}
