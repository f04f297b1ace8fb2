/** The page's script, which is its worker's too. */

import { startPage } from "./page.js";
import { serve } from "./worker.js";

if (typeof document === "undefined") serve(model);
else startPage(model);
