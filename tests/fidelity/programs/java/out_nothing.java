// Pins: a program that prints nothing and leaves with 0 stays silent.
class Main {
    public static void main(String[] args) {}
}
