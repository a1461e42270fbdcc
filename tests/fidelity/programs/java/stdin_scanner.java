// Pins: Scanner over numbers, words and lines, with a token of the wrong kind.
import java.util.*;

public class Main {
    public static void main(String[] args) {
        Scanner in = new Scanner(System.in).useLocale(Locale.ROOT);
        int n = in.nextInt();
        double sum = 0;
        for (int i = 0; i < n; i++) sum += in.nextDouble();
        in.nextLine();
        System.out.println(n + " " + sum + " [" + in.nextLine() + "] [" + in.nextLine() + "]");
        System.out.println(in.nextBoolean() + " " + in.next() + " " + in.hasNextInt());
        try {
            in.nextInt();
        } catch (InputMismatchException e) {
            System.out.println(e.getMessage() + " " + in.next() + " " + in.nextBigInteger());
        }
        System.out.println(in.hasNext() + " " + in.hasNextLine());
        in.next();
    }
}
