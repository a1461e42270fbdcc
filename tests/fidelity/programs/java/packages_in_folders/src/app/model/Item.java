package app.model;

public record Item(String name, int size) {}
