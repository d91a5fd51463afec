"""Tables in our pages."""

import re


def rows(page: str, columns: int) -> list[list[str]]:
    """Reads the table rows whose first cell is code.

    Args:
        page: Markdown.
        columns: How many cells a row has; rows of other tables are left out.

    Returns:
        The cells of each row, without white space around them.
    """
    lines = re.findall(r"^\| (`.*) \|$", page, re.MULTILINE)
    table = [[cell.strip() for cell in line.split(" | ")] for line in lines]
    return [cells for cells in table if len(cells) == columns]


def code(cell: str) -> list[str]:
    """Gives what stands in back quotes in a cell.

    Args:
        cell: The cell.

    Returns:
        The texts.
    """
    return re.findall(r"`([^`]+)`", cell)


def section(page: str, heading: str) -> str:
    """Cuts a section out of a page.

    Args:
        page: Markdown.
        heading: The whole line of its heading.

    Returns:
        Its text, with the sections below it.
    """
    level = heading.index(" ")
    found = re.search(rf"^{re.escape(heading)}$(.*?)(?=^#{{1,{level}}} |\Z)", page, re.DOTALL | re.MULTILINE)
    assert found is not None, heading
    return found[1]
