// Pins: records with compact constructors, sealed interfaces, pattern matching for instanceof, local records.
import java.util.*;
import java.util.stream.*;

public class Main {
    sealed interface Shape permits Circle, Rect, Group {}

    record Circle(double r) implements Shape {}

    record Rect(double w, double h) implements Shape {
        Rect {
            if (w < 0 || h < 0) throw new IllegalArgumentException("negative: " + w + "x" + h);
        }

        static Rect square(double s) {
            return new Rect(s, s);
        }
    }

    record Group(List<? extends Shape> parts) implements Shape {}

    static double area(Shape s) {
        if (s instanceof Circle c) return Math.PI * c.r() * c.r();
        if (s instanceof Rect r && r.w() == r.h()) return r.w() * r.w();
        if (s instanceof Rect r) return r.w() * r.h();
        return s instanceof Group g ? g.parts().stream().mapToDouble(Main::area).sum() : Double.NaN;
    }

    public static void main(String[] args) {
        Shape g = new Group(List.of(new Circle(1.5), Rect.square(2), new Rect(1, 0.1)));
        System.out.println(g + " " + area(g));
        System.out.println(new Rect(1, 2).equals(new Rect(1, 2)) + " " + new Rect(1, 2).hashCode() + " " + new Rect(-0.0, 1).equals(new Rect(0.0, 1)));
        record Count(String word, long n) {}
        System.out.println(Stream.of("to be or not to be".split(" ")).collect(Collectors.groupingBy(w -> w, TreeMap::new, Collectors.counting()))
            .entrySet().stream().map(e -> new Count(e.getKey(), e.getValue()))
            .sorted(Comparator.comparingLong(Count::n).reversed().thenComparing(Count::word)).collect(Collectors.toList()));
        System.out.println(Arrays.stream(Rect.class.getRecordComponents()).map(Object::toString).collect(Collectors.joining("; ")));
        System.out.println(Shape.class.isSealed() + " " + Shape.class.getPermittedSubclasses().length);
        System.out.println(new Rect(1, -2));
    }
}
