package app.model;

import java.util.*;

public class Store {
    private final List<Item> items = new ArrayList<>();

    public void add(Item i) {
        if (i.size() > Limits.MAX) throw new TooLarge(i);
        items.add(i);
    }

    @Override
    public String toString() {
        return items.toString();
    }
}

class TooLarge extends IllegalArgumentException {
    TooLarge(Item i) {
        super(i.name() + " is " + i.size());
    }
}
