/** The conformance kit on the memory driver: with a clock that can be moved on, and a real one. */
import { conformanceRules, describeLockDriver } from '../../lib/testing/index.js';
import { memoryHarness } from '../support/memory-harness.js';

describeLockDriver('the memory driver', memoryHarness);

// So do the drivers of others whose store's time cannot be moved: the rules wait, side by side.
describeLockDriver(
  'the memory driver in real time',
  () => {
    const { elapse: _elapse, ...harness } = memoryHarness();
    return harness;
  },
  conformanceRules.filter(({ patient, group }) => patient && group !== 'The core'),
);
