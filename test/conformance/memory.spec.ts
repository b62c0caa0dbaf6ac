/** The conformance kit on the memory driver, with a store's clock that can be moved on. */
import { describeLockDriver } from '../../lib/testing/index.js';
import { memoryHarness } from '../support/memory-harness.js';

describeLockDriver('the memory driver', memoryHarness);
