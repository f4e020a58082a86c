"""Pages of interactive figures: the script, its state, and nothing that the state could break out of."""

import json
import re

import pytest

from equibook.pages import FOLDER, read_asset, to_html

SCRIPT = "const widget = { render() {} };\nexport default widget;\n"


def state_of(page):
    return json.loads(re.search(r'<script type="application/json"[^>]*>(.*?)</script>', page, re.DOTALL).group(1))


def test_the_state_is_written_into_the_page():
    state = {"text": "</script><!-- $name & 'ü'", "numbers": [1, 2.5, None]}
    page = to_html(SCRIPT, ".a { color: red }", state, fallback="<img alt=''>")
    assert state_of(page) == state
    assert page.count("</script>") == 2
    assert "export default" not in page
    assert "<img alt=''>" in page
    assert ".a { color: red }" in page


def test_every_page_has_a_name_of_its_own():
    names = [set(re.findall(r'id="([^"]+)"', to_html(SCRIPT, "", {}))) for _ in range(2)]
    assert [len(found) for found in names] == [2, 2]
    assert not names[0] & names[1]


def test_a_script_without_its_last_line_is_refused():
    with pytest.raises(ValueError, match=r"`script` must end with `export default widget;`, got '.*'\. Define"):
        to_html("const widget = {};", "", {})


@pytest.mark.parametrize("path", sorted(FOLDER.iterdir()), ids=lambda path: path.name)
def test_what_the_browser_runs_needs_no_other_file(path):
    source = read_asset(path.name).replace("http://www.w3.org/2000/svg", "")  # a name, which nobody fetches
    assert not re.search(r"https?:|@import|url\(|\bimport\b.*\bfrom\b", source)
