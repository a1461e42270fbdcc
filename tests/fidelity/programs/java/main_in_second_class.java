// Pins: several top-level classes in one file, the first without main, the second with it, a third with another.
class Helper {
    static String help(int n) {
        return n == 0 ? "" : help(n - 1) + n;
    }
}

class Starter {
    public static void main(String[] args) {
        System.out.println(Helper.help(9));
        System.out.println(new Object() {}.getClass().getEnclosingMethod().getDeclaringClass().getName());
        Third.main(new String[] {"called"});
    }
}

class Third {
    public static void main(String[] args) {
        System.out.println("third " + (args.length == 0 ? "as the program" : args[0]));
    }
}
