// Pins: the public class stands last and has main; comments and strings hold what looks like another class.
/* public class Decoy { public static void main(String[] args) {} } */
abstract class Animal {
    abstract String sound();
}

final class Cow extends Animal {
    static final String TEXT = "public class Fake { static void main";

    String sound() {
        return "moo";
    }
}

public class PublicLast {
    public static void main(final String[] args) throws Exception {
        System.out.println(new Cow().sound() + Cow.TEXT.length());
        System.out.println(PublicLast.class.getName());
    }
}
