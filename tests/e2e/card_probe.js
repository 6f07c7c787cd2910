// Runs before the page: listens at the loudspeaker, and notes when the server said "clear", when it was loud (and last), and
// what microphones the page was given.
window.probe = { clears: [], clearedAt: null, loud: [], loudAt: null, tracks: [] };

const code = `registerProcessor("probe", class extends AudioWorkletProcessor {
  process([input]) {
    const loudest = (input[0] ?? []).reduce((most, value) => Math.max(most, Math.abs(value)), 0);
    if (loudest > 0.001) this.port.postMessage(null);
    return true;
  }
});`;
const connect = AudioNode.prototype.connect;
AudioNode.prototype.connect = function (target, ...rest) {
  if (target === this.context.destination) {
    const url = URL.createObjectURL(new Blob([code], { type: "text/javascript" }));
    this.context.audioWorklet.addModule(url).then(() => {
      const probe = new AudioWorkletNode(this.context, "probe", { numberOfOutputs: 0 });
      probe.port.onmessage = () => window.probe.loud.push((window.probe.loudAt = performance.now()));
      connect.call(this, probe);
    });
  }
  return connect.call(this, target, ...rest);
};

const Socket = window.WebSocket;
window.WebSocket = class extends Socket {
  constructor(...parts) {
    super(...parts);
    this.addEventListener("message", ({ data }) => {
      if (typeof data === "string" && JSON.parse(data).type === "clear") {
        window.probe.clears.push((window.probe.clearedAt = performance.now()));
      }
    });
  }
};

const getUserMedia = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
navigator.mediaDevices.getUserMedia = async (constraints) => {
  const stream = await getUserMedia(constraints);
  window.probe.tracks.push(...stream.getTracks());
  return stream;
};
