// The pages work without this; it makes the NHS components livelier where it runs.
import { initAll } from "/assets/nhsuk-frontend.min.js";
initAll();
