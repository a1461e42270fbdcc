// Pins: a child inherits the unread stdin of the virtual machine.
public class Main {
    public static void main(String[] args) throws Exception {
        System.out.println("the child reads:");
        int code = new ProcessBuilder("cat", "-n").inheritIO().start().waitFor();
        System.out.println("code " + code + ", left for me: " + System.in.read());
    }
}
