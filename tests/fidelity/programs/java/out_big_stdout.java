// Pins: 300 KB of stdout arrives complete and in order, buffered and unbuffered.
import java.io.BufferedOutputStream;
import java.io.PrintStream;

public class Main {
    public static void main(String[] args) {
        PrintStream out = new PrintStream(new BufferedOutputStream(System.out, 5000));
        for (int i = 0; i < 5000; i++) {
            out.println("line " + i + " " + "abcdefghijklmnopqrstuvwxyz0123456789".substring(0, i % 36));
        }
        out.flush();
        System.out.println("x".repeat(120_000));
        StringBuilder sb = new StringBuilder();
        for (int i = 0; i < 10_000; i++) {
            sb.append((char) ('\u0400' + i % 64));
        }
        System.out.print(sb);
    }
}
