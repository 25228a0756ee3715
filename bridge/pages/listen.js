"use strict";
// One player a song. The loudest audio element leads and is left alone; all others follow it, audible or not, so that
// switching needs no seeking. Elements drift by milliseconds: their rate is nudged, a little where that could be heard,
// and only large errors are mended by a seek.
const STEP_S = 5, NEAR_S = 0.002, FAR_S = 0.006, LOST_S = 0.25, NUDGE_HEARD = 0.003, NUDGE_UNHEARD = 0.03;
const clock = s => `${Math.floor(s / 60)}:${String(Math.floor(s % 60)).padStart(2, "0")}`;
const say = text => { document.getElementById("said").textContent = text; };

class Row {
  constructor(element) {
    this.element = element;
    this.audio = element.querySelector("audio");
    this.source = this.audio.getAttribute("src");
    this.audio.removeAttribute("src");   // a page of many songs would hold too many open players
    this.audio.removeAttribute("controls");
    this.audio.preservesPitch = false;
    this.mute = element.querySelector(".mute");
    this.solo = element.querySelector(".solo");
    this.volume = element.querySelector(".volume");
    this.playhead = element.querySelector(".strip i");
    this.title = element.dataset.title;
  }
  pressed(which) { return this[which] && this[which].getAttribute("aria-pressed") === "true"; }
  press(which, on) { this[which].setAttribute("aria-pressed", String(on)); }
}

class Song {
  constructor(element) {
    this.element = element;
    this.seconds = Number(element.dataset.seconds);
    [this.mix, ...this.clusters] = [...element.querySelectorAll(".row")].map(row => new Row(row));
    this.rows = [this.mix, ...this.clusters];
    this.playButton = element.querySelector(".play");
    this.seek = element.querySelector(".seek");
    this.clock = element.querySelector(".clock");
    this.at = 0;
    this.playing = false;
    this.playButton.addEventListener("click", () => this.toggle());
    this.seek.addEventListener("input", () => this.go(Number(this.seek.value)));
    element.querySelector(".all").addEventListener("click", () => this.everything());
    for (const row of this.clusters) {
      for (const which of ["mute", "solo"]) row[which].addEventListener("click", () => this.flip(row, which));
      row.volume.addEventListener("input", () => this.mixdown());
    }
    this.mix.volume.addEventListener("input", () => this.mixdown());
    for (const row of this.rows)
      row.element.querySelector(".strip").addEventListener("pointerdown", event => {
        const box = event.currentTarget.getBoundingClientRect();
        this.go(this.seconds * (event.clientX - box.left) / box.width);
      });
    element.addEventListener("focusin", () => choose(this));
    element.addEventListener("pointerdown", () => choose(this));
    for (const { audio } of this.rows)
      audio.addEventListener("ended", () => { if (audio === this.leader) { this.pause(); this.go(0); } });
    this.mixdown();
    this.show();
  }
  open() {
    for (const row of this.rows)
      if (!row.audio.getAttribute("src")) {
        row.audio.preload = "auto";
        row.audio.src = row.source;
        row.audio.currentTime = this.at;
      }
  }
  close() {
    this.pause();
    for (const row of this.rows) { row.audio.removeAttribute("src"); row.audio.load(); }
  }
  ready() {
    return Promise.all(this.rows.map(({ audio }) => audio.readyState >= 3 || audio.error ? null : new Promise(done => {
      for (const event of ["canplay", "error"]) audio.addEventListener(event, done, { once: true });
    })));
  }
  async toggle() {
    if (this.playing) return this.pause();
    choose(this);
    this.open();
    this.playing = true;
    this.state();
    await this.ready();
    if (!this.playing) return;
    const outcome = await Promise.allSettled(this.rows.map(row => row.audio.play()));
    if (outcome[0].status === "rejected") { this.pause(); say("This browser cannot play the files."); return; }
    if (!this.playing) return this.pause();
    this.follow();
  }
  pause() {
    this.playing = false;
    for (const row of this.rows) { row.audio.pause(); row.audio.playbackRate = 1; }
    this.state();
  }
  go(seconds) {
    this.at = Math.min(Math.max(0, seconds), this.seconds);
    for (const row of this.rows) if (row.audio.getAttribute("src")) row.audio.currentTime = this.at;
    this.show();
  }
  follow() {
    if (!this.playing) return;
    const { leader } = this;
    this.at = leader.currentTime;
    if (!leader.seeking)
      for (const { audio } of this.rows) {
        if (audio === leader || audio.seeking || audio.readyState < 3) continue;
        if (audio.paused && !audio.ended) audio.play().catch(() => {});
        const late = leader.currentTime - audio.currentTime;
        if (Math.abs(late) > LOST_S) audio.currentTime = leader.currentTime;
        else if (Math.abs(late) > FAR_S) audio.playbackRate = 1 + Math.sign(late) * (audio.volume ? NUDGE_HEARD : NUDGE_UNHEARD);
        else if (Math.abs(late) < NEAR_S) audio.playbackRate = 1;
      }
    this.show();
    requestAnimationFrame(() => this.follow());
  }
  flip(row, which) {
    row.press(which, !row.pressed(which));
    this.mixdown();
    say(`${row.title}: ${which} ${row.pressed(which) ? "on" : "off"}`);
  }
  only(row) {
    const alone = row.pressed("solo") && this.clusters.filter(other => other.pressed("solo")).length === 1;
    for (const other of this.clusters) other.press("solo", other === row && !alone);
    row.press("mute", false);
    this.mixdown();
    say(alone ? "the whole mix" : `${row.title} alone`);
  }
  everything() {
    for (const row of this.clusters) {
      row.press("mute", false);
      row.press("solo", false);
      row.volume.value = 1;
    }
    this.mixdown();
    say("the whole mix");
  }
  // All clusters at full level are the mix itself: its own file is heard then, not the sum of many players.
  mixdown() {
    const soloed = this.clusters.some(row => row.pressed("solo"));
    const gain = row => row.pressed("mute") || (soloed && !row.pressed("solo")) ? 0 : Number(row.volume.value);
    const gains = this.clusters.map(gain), main = Number(this.mix.volume.value);
    const whole = gains.every(value => value === 1);
    this.mix.audio.volume = whole ? main : 0;
    this.clusters.forEach((row, index) => {
      row.audio.volume = whole ? 0 : main * gains[index];
      row.element.classList.toggle("silent", gains[index] === 0);
    });
    this.mix.element.classList.toggle("silent", !whole || main === 0);
    this.leader = this.rows.reduce((a, b) => b.audio.volume > a.audio.volume ? b : a).audio;
    this.leader.playbackRate = 1;
  }
  state() {
    this.playButton.textContent = this.playing ? "Pause" : "Play";
    this.playButton.setAttribute("aria-label", `${this.playing ? "Pause" : "Play"} ${this.element.dataset.title}`);
  }
  show() {
    this.seek.value = this.at;
    this.seek.setAttribute("aria-valuetext", `${clock(this.at)} of ${clock(this.seconds)}`);
    this.clock.textContent = `${clock(this.at)} / ${clock(this.seconds)}`;
    const place = `${100 * this.at / Math.max(this.seconds, 1e-3)}%`;
    for (const row of this.rows) row.playhead.style.left = place;
  }
}

let current = null;
function choose(song) {
  if (song === current) return;
  if (current) { current.close(); current.element.classList.remove("current"); }
  current = song;
  song.element.classList.add("current");
}

const songs = [...document.querySelectorAll(".song")].map(element => new Song(element));
if (songs.length) choose(songs[0]);

document.addEventListener("keydown", event => {
  if (event.ctrlKey || event.metaKey || event.altKey || !current) return;
  const { target } = event, isRange = target.matches("input"), row = target.closest(".row");
  const inFocus = row && current.clusters.find(each => each.element === row);
  if (event.key === " " && !target.matches("button, summary, a")) current.toggle();
  else if (event.key === "ArrowLeft" && !isRange) current.go(current.at - STEP_S);
  else if (event.key === "ArrowRight" && !isRange) current.go(current.at + STEP_S);
  else if (event.key === "Home" && !isRange) current.go(0);
  else if (event.key === "0") current.everything();
  else if (/^[1-9]$/.test(event.key) && current.clusters[event.key - 1]) current.only(current.clusters[event.key - 1]);
  else if (/^[ms]$/i.test(event.key) && inFocus) current.flip(inFocus, event.key.toLowerCase() === "m" ? "mute" : "solo");
  else return;
  event.preventDefault();
});
