"""Games and functions as JavaScript, and the page that is made of it."""

from ganfield.export._javascript import javascript as javascript
from ganfield.export._model import model as model
