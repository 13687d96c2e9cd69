/* Asks as you type: after a pause, one question at a time, and only the newest answer counts. */

/**
 * @template Answer
 * @param {object} part
 * @param {(signal: AbortSignal) => Promise<Answer>} part.ask
 * @param {(answer: Answer) => void} part.show
 * @param {(error: any) => void} part.fail
 * @param {(busy: boolean) => void} part.busy
 * @param {number} part.pause milliseconds without a keystroke before a question is asked
 */
export function live({ ask, show, fail, busy, pause }) {
  let ticket = 0;
  /** @type {AbortController | undefined} */
  let controller;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;

  /** Forget the question under way: its answer, if it still comes, is dropped. */
  function stop() {
    ticket += 1;
    clearTimeout(timer);
    controller?.abort();
    busy(false);
  }

  function start(delay = pause) {
    stop();
    const mine = ticket;
    timer = setTimeout(async () => {
      controller = new AbortController();
      busy(true);
      try {
        const answer = await ask(controller.signal);
        if (mine === ticket) {
          busy(false);
          show(answer);
        }
      } catch (error) {
        if (mine === ticket) {
          busy(false);
          fail(error);
        }
      }
    }, delay);
  }

  return { start, stop };
}
