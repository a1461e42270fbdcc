// What goes to stderr is marked; the exit code is told as it is.
public class Fail {
    public static void main(String[] args) {
        System.out.println("This line goes to stdout.");
        System.err.println("\u001b[1;33mWarning:\u001b[0m this goes to stderr.");
        System.out.println("And this one to stdout again.");
        System.exit(3);
    }
}
