"""Games and functions as JavaScript, and the page that is made of it."""

from ganfield.export._html import check_page_path as check_page_path
from ganfield.export._html import explore as explore
from ganfield.export._html import html as html
from ganfield.export._html import page as page
from ganfield.export._html import write as write
from ganfield.export._javascript import javascript as javascript
from ganfield.export._settings import METHOD_NAMES as METHOD_NAMES
from ganfield.export._settings import OPTIMIZER_NAMES as OPTIMIZER_NAMES
