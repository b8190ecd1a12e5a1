// The settings page: what each of its parts does is told in its own file.

import './own_profile.js';
import './own_password.js';
import { showBlocks } from './own_blocks.js';
import { showDevices } from './own_devices.js';
import { showInvitations } from './own_invitations.js';
import { showLogins } from './own_logins.js';
import { showNotifications } from './own_notifications.js';
import { showSecondFactor } from './own_second_factor.js';
import { showThings } from './own_things.js';
import './own_deletion.js';
import { find } from './saying.js';

// A browser's device and its login end together.
find('devices').addEventListener('gone', showLogins);
find('logins').addEventListener('gone', showDevices);

await Promise.all([
  showSecondFactor(),
  showLogins(),
  showDevices(),
  showThings(),
  showBlocks(),
  showInvitations(),
  showNotifications(),
]);
