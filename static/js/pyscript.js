// Starts PyScript. It prepares workers with a function made from text, which the desktop app's
// policy forbids; there the server answers and no worker is ever made, so it can go without.

import "./quiet.js";
import { hooks } from "../vendor/pyscript/core.js";

if (document.documentElement.dataset.backend === "http") hooks.worker.onBeforeRunAsync.clear();
