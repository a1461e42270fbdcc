// Pins: without input stdin is at EOF at once; Scanner then ends the program with an exception.
import java.util.Scanner;

public class Main {
    public static void main(String[] args) throws Exception {
        System.out.println(System.in.read() + " " + System.in.read() + " " + System.in.readAllBytes().length);
        System.out.println(System.console() == null);
        Scanner s = new Scanner(System.in);
        System.out.println(s.hasNextLine());
        s.nextLine();
    }
}
