"""Bar charts."""


def as_text(values: dict[str, int], width: int = 30) -> str:
    most = max(values.values())
    return "\n".join(
        f"{name:4} {'#' * round(width * value / most)} {value}" for name, value in values.items()
    )


def as_svg(values: dict[str, int]) -> str:
    bars = "".join(
        f'<rect x="{20 * i}" y="{100 - v}" width="15" height="{v}"><title>{n}</title></rect>'
        for i, (n, v) in enumerate(values.items())
    )
    size = 20 * len(values)
    return f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {size} 100">{bars}</svg>\n'
