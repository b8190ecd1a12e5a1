// The settings page: what each of its parts does is told in its own file.

import './own_profile.js';
import './own_password.js';
import { showBlocks } from './own_blocks.js';
import { showDevices } from './own_devices.js';
import { showInvitations } from './own_invitations.js';
import { showNotifications } from './own_notifications.js';
import { showThings } from './own_things.js';
import './own_deletion.js';

await Promise.all([
  showDevices(),
  showThings(),
  showBlocks(),
  showInvitations(),
  showNotifications(),
]);
