import java.util.Scanner;

// Type into the line below the output while this runs.
public class Ask {
    public static void main(String[] args) {
        Scanner lines = new Scanner(System.in);
        System.out.print("What is your name? ");
        String name = lines.nextLine();
        System.out.printf("How often shall I greet you, %s? ", name);
        int count = Integer.parseInt(lines.nextLine().trim());

        for (int n = 1; n <= Math.min(count, 10); n++) {
            System.out.printf("%d. Hello, %s!%n", n, name);
        }
    }
}
