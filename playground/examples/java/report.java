import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

// Takes arguments and writes a file, which comes back.
public class Report {
    public static void main(String[] args) throws IOException {
        StringBuilder rows = new StringBuilder("fruit,count\n");
        int total = 0;
        for (String argument : args) {
            String[] parts = argument.split("=", 2);
            rows.append(parts[0] + "," + parts[1] + "\n");
            total += Integer.parseInt(parts[1]);
        }
        Files.writeString(Path.of("report.csv"), rows);
        System.out.printf("%d kinds of fruit, %d pieces; see report.csv%n", args.length, total);
    }
}
