"""What an element of a page is: content or furniture, a sign, a title, a cell over several."""

import re

from selectolax.lexbor import LexborHTMLParser, LexborNode

_SKIP_OUTSIDE_MAIN = {"header", "footer", "aside"}
_SKIP_ROLES = {"navigation", "banner", "contentinfo", "search", "complementary", "menu"}
_SKIP_CLASSES = re.compile(
    r"(?:^|[\s_-])(?:breadcrumbs?|cookie|skip-link|pagination|mw-editsection|navbox|noprint|"
    r"vector-header|vector-menu|reflist|catlinks)(?:$|[\s_-])",
    re.IGNORECASE,
)
_MENU_CLASSES = re.compile(
    r"(?:^|[\s_-])(?:nav|navbar|navigation|menu|sidebar|share|social|toc)(?:$|[\s_-])",
    re.IGNORECASE,
)
"""Of a menu if most of its words are links; else of dishes, or of a column with text."""
_YES = re.compile(r"(?:^|[\s_-])(?:check|checkmark|tick|yes|true)(?:$|[\s_-])", re.IGNORECASE)
_NO = re.compile(r"(?:^|[\s_-])(?:cross|times|xmark|no|false)(?:$|[\s_-])", re.IGNORECASE)


def fold(text: str) -> str:
    """Fold blanks, and drop what only says where a word may be cut."""
    return " ".join(text.replace("\u00ad", "").replace("\u200b", "").split())


def is_furniture(node: LexborNode, tag: str, tree: LexborHTMLParser, *, in_main: bool) -> bool:
    """Tell whether an element stands around the content: a header, a menu, a field's label."""
    if (tag == "menu" and _is_menu(node)) or (tag in _SKIP_OUTSIDE_MAIN and not in_main):
        return True
    attributes = node.attributes
    if not attributes or attributes.get("role") in _SKIP_ROLES:
        return bool(attributes)
    if tag == "label":
        return not _ticks(node, tree)
    names = f"{attributes.get('class') or ''} {attributes.get('id') or ''}"
    return tag in {"div", "ul", "ol", "menu", "section", "span", "table"} and bool(
        _SKIP_CLASSES.search(names) or (_MENU_CLASSES.search(names) and _is_menu(node))
    )


def _is_menu(node: LexborNode) -> bool:
    """Tell whether most words of an element are links or buttons."""
    parts = (part.text(deep=True) for part in node.css("a, button"))
    return 2 * sum(len(fold(part)) for part in parts) >= len(fold(node.text(deep=True)))


def _ticks(label: LexborNode, tree: LexborHTMLParser) -> bool:
    """Tell whether a label belongs to no field to be filled in: it may be the title of a part."""
    field = by_id(tree, label.attributes.get("for") or "")
    return field is None or field.attributes.get("type") in {"checkbox", "radio"}


def by_id(tree: LexborHTMLParser, name: str) -> LexborNode | None:
    """Return the element with this id."""
    return tree.css_first(f'[id="{name}"]') if re.fullmatch(r"[\w-]+", name) else None


def sign_of(icon: LexborNode) -> str:
    """Return the sign that an empty element shows by its class, as in a table of features."""
    names = icon.attributes.get("class") or ""
    return " ✓ " if _YES.search(names) else " ✗ " if _NO.search(names) else ""


def title_of(component: LexborNode) -> str:
    """Return the title that an element of a site's own has as an attribute."""
    names = ("title", "label", "summary", "header", "heading", "question")
    return next((fold(text) for name in names if (text := component.attributes.get(name))), "")


def count_words(node: LexborNode) -> int:
    """Count the words of an element; a sign alone is none."""
    words = node.text(deep=True, separator=" ").split()
    return len(words) if any(c.isalnum() for word in words for c in word) else 0


def words_unlinked(node: LexborNode) -> int:
    """Count the words of an element that are no links, buttons or fields."""
    inner = node.css("a, button, label, select, textarea, script, style, noscript, template")
    return max(count_words(node) - sum(map(count_words, inner)), 0)
