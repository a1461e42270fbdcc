#include <iostream>
#include <memory>
#include <typeinfo>
#include <vector>

struct Shape {
    virtual ~Shape() = default;
    virtual double area() const = 0;
};
struct Square : Shape {
    double side = 2;
    double area() const override { return side * side; }
};
struct Circle : Shape {
    double area() const override { return 3; }
};

int main() {
    std::vector<std::unique_ptr<Shape>> shapes;
    shapes.push_back(std::make_unique<Square>());
    shapes.push_back(std::make_unique<Circle>());
    for (auto &shape : shapes)
        std::cout << shape->area() << (dynamic_cast<Square *>(shape.get()) != nullptr)
                  << typeid(*shape).name() << '\n';
    try {
        (void)dynamic_cast<Square &>(*shapes[1]);
    } catch (const std::bad_cast &error) {
        std::cout << error.what() << '\n';
    }
}
