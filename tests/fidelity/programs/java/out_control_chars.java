// Pins: ANSI colours, NUL, CR, backspace, bell and tabs are not interpreted or stripped.
public class Main {
    public static void main(String[] args) {
        System.out.print("\u001b[31mred\u001b[0m\u001b[2J\u001b]0;title\u0007\n");
        System.out.print("a\0b\0\0c\r\nover\rwritten\b\b\tq\f\n\n\r\n");
        System.err.print("\u001b[1;33mwarn\u001b[m\0\u007f\u0004\u001a\r\n");
    }
}
