// The login page: who is shown it is not logged in here any more, so what was seen is forgotten.

import { forgetSeen } from './seen.js';

await forgetSeen();
