// Pins: a single file with a package declaration runs under its full name, seen in traces and in reflection.
package org.example.tools;

public class PackageDeclared {
    static class Part {}

    public static void main(String[] args) {
        System.out.println(PackageDeclared.class.getPackageName() + " " + Part.class.getName() + " " + Part.class.getSimpleName());
        System.out.println(PackageDeclared.class.getResource("PackageDeclared.class") != null);
        throw new RuntimeException("in a package");
    }
}
