// Pins: several packages in folders below src, package-private access, static imports, a trace across packages.
package app;

import static app.model.Limits.*;

import app.model.*;
import app.util.Text;

public class Main {
    public static void main(String[] args) {
        Store store = new Store();
        for (String a : args) store.add(new Item(a, a.length()));
        System.out.println(store + " " + MAX + " " + describe());
        System.out.println(Text.frame(Helper.join(args)));
        store.add(new Item("too long", MAX + 1));
    }
}
