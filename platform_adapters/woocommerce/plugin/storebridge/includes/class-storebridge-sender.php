<?php
/**
 * Tells the bridge what waits.
 *
 * @package Storebridge
 */

defined( 'ABSPATH' ) || exit;

/**
 * Sends the outbox in order: at once after a request that changed something, else by cron; after a failure later and later.
 */
class Storebridge_Sender {

	const SEND    = 'storebridge_send';
	const BEAT    = 'storebridge_heartbeat';
	const GROUP   = 'storebridge';
	const LOOKED  = 'storebridge_scheduled';
	const EVERY   = 300;
	const WAITS   = array( 60, 300, 900, 3600 );
	const SECONDS = 20;
	const HELD    = 120;
	const TEST    = 5;

	/**
	 * The connection.
	 *
	 * @var Storebridge_Settings
	 */
	private $settings;

	/**
	 * What waits.
	 *
	 * @var Storebridge_Outbox
	 */
	private $outbox;

	/**
	 * Where it goes.
	 *
	 * @var Storebridge_Bridge
	 */
	private $bridge;

	/**
	 * How this store is.
	 *
	 * @var Storebridge_Health
	 */
	private $health;

	/**
	 * Whether this request has changed something.
	 *
	 * @var bool
	 */
	private $ringing = false;

	/**
	 * Made by Storebridge_Plugin.
	 *
	 * @param Storebridge_Settings $settings The connection.
	 * @param Storebridge_Outbox   $outbox   What waits.
	 * @param Storebridge_Bridge   $bridge   Where it goes.
	 * @param Storebridge_Health   $health   How this store is.
	 */
	public function __construct( Storebridge_Settings $settings, Storebridge_Outbox $outbox, Storebridge_Bridge $bridge, Storebridge_Health $health ) {
		$this->settings = $settings;
		$this->outbox   = $outbox;
		$this->bridge   = $bridge;
		$this->health   = $health;
	}

	/**
	 * Hooks up.
	 */
	public function hook() {
		add_action( self::SEND, array( $this, 'send' ) );
		add_action( self::BEAT, array( $this, 'beat' ) );
		add_action( 'admin_init', array( $this, 'keep_scheduled' ) );
		add_action( 'shutdown', array( $this, 'at_shutdown' ), 100 );
		add_filter( 'cron_schedules', array( $this, 'five_minutes' ) ); // phpcs:ignore WordPress.WP.CronInterval -- a heartbeat.
	}

	/**
	 * Something was written into the outbox.
	 */
	public function ring() {
		$this->ringing = true;
	}

	/**
	 * The immediate attempt: after the answer has gone out where PHP can do that, else only where nobody is kept waiting.
	 */
	public function at_shutdown() {
		if ( ! $this->ringing || ! $this->settings->connected() || $this->must_wait() ) {
			return;
		}
		$this->ringing = false;
		if ( function_exists( 'fastcgi_finish_request' ) ) {
			fastcgi_finish_request();
			$this->send();
		} elseif ( function_exists( 'litespeed_finish_request' ) ) {
			litespeed_finish_request();
			$this->send();
		} elseif ( current_user_can( 'manage_woocommerce' ) || wp_doing_cron() || ( defined( 'WP_CLI' ) && WP_CLI ) ) {
			$this->send( 5 );
		} else {
			$this->later( 0 );
			spawn_cron();
		}
	}

	/**
	 * Sends batch after batch, in order, until nothing waits or one fails; what is too much for one go is gone on with at
	 * once by cron. One process at a time.
	 *
	 * @param int $seconds How long one call may take.
	 * @return int How many rows were taken.
	 */
	public function send( $seconds = self::SECONDS ) {
		$taken = 0;
		if ( ! $this->settings->connected() || $this->must_wait() || ! $this->lock() ) {
			return $taken;
		}
		try {
			$until = time() + static::SECONDS;
			$batch = $this->outbox->batch();
			while ( null !== $batch && time() < $until && $this->deliver( $batch, $seconds ) ) {
				$taken += count( $batch['ids'] );
				$batch  = $this->outbox->batch();
			}
			if ( null !== $batch && time() >= $until ) {
				$this->later( 1 );
			}
			if ( $taken > 0 ) {
				$this->tell_health( $seconds );
			}
		} finally {
			$this->unlock();
		}
		return $taken;
	}

	/**
	 * A row that changes nothing, sent at once with what waits, whatever was put off.
	 *
	 * @param string $marker Names it.
	 * @return string|null What the bridge answered instead of taking it; empty when it was taken or another process is at it; null when nobody is connected.
	 */
	public function send_test( $marker ) {
		if ( ! $this->settings->connected() ) {
			return null;
		}
		$this->outbox->add( 'test', $marker, 'test' );
		$this->forget_waiting();
		$this->send( self::TEST );
		$state = get_option( Storebridge_Settings::RETRY, array() );
		if ( ! $this->settings->connected() ) {
			return null;
		}
		return isset( $state['text'] ) ? (string) $state['text'] : '';
	}

	/**
	 * Every five minutes: how this store is, and what may still wait.
	 */
	public function beat() {
		update_option( Storebridge_Settings::CRON, time(), false );
		$this->outbox->prune();
		Storebridge_Stock::prune();
		if ( $this->settings->connected() && ! $this->must_wait() && 0 === $this->send() ) {
			$this->tell_health( self::SECONDS );
		}
	}

	/**
	 * One batch. A failure puts the next attempt off: 1, 5, 15 minutes, an hour.
	 *
	 * @param array $batch   Of the outbox.
	 * @param int   $seconds How long it may take.
	 * @return bool Whether it was taken.
	 */
	private function deliver( array $batch, $seconds ) {
		$body   = $batch['body'] + array( 'epoch' => $this->settings->epoch() );
		$answer = $this->bridge->act( 'events', $body, $seconds );
		if ( ! $this->settled( $answer ) ) {
			return false;
		}
		$this->outbox->sent( $batch['ids'] );
		return true;
	}

	/**
	 * The heartbeat. What it brings back is kept: the newest version the bridge knows.
	 *
	 * @param int $seconds How long it may take.
	 */
	private function tell_health( $seconds ) {
		$answer = $this->bridge->act( 'heartbeat', $this->health->body(), $seconds );
		if ( $this->settled( $answer ) && isset( $answer->body['latest'] ) && is_string( $answer->body['latest'] ) ) {
			$this->settings->set( array( 'latest' => $answer->body['latest'] ) );
		}
	}

	/**
	 * What follows from an answer.
	 *
	 * @param Storebridge_Answer $answer The answer.
	 * @return bool Whether it went well.
	 */
	private function settled( Storebridge_Answer $answer ) {
		if ( $answer->ok() ) {
			delete_option( Storebridge_Settings::RETRY );
			return true;
		}
		if ( 410 === $answer->status ) {
			$this->settings->mark_gone();
			$this->outbox->clear();
			self::unschedule();
			return false;
		}
		$state    = get_option( Storebridge_Settings::RETRY, array() );
		$failures = isset( $state['failures'] ) ? (int) $state['failures'] : 0;
		$wait     = $answer->wait ? $answer->wait : self::WAITS[ min( $failures, count( self::WAITS ) - 1 ) ];
		$state    = array(
			'failures' => $failures + 1,
			'next_at'  => time() + $wait,
			'status'   => $answer->status,
			'text'     => $answer->text,
		);
		update_option( Storebridge_Settings::RETRY, $state, false );
		$this->later( $wait );
		return false;
	}

	/**
	 * Whether a failure has put things off.
	 *
	 * @return bool
	 */
	private function must_wait() {
		$state = get_option( Storebridge_Settings::RETRY, array() );
		return isset( $state['next_at'] ) && (int) $state['next_at'] > time();
	}

	/**
	 * Someone wants it now.
	 */
	public function forget_waiting() {
		delete_option( Storebridge_Settings::RETRY );
	}

	/**
	 * Another attempt, by Action Scheduler, else by WP-Cron.
	 *
	 * @param int $wait Seconds from now.
	 */
	private function later( $wait ) {
		if ( function_exists( 'as_schedule_single_action' ) && 0 !== $wait ) {
			if ( ! as_has_scheduled_action( self::SEND, array(), self::GROUP ) ) {
				as_schedule_single_action( time() + $wait, self::SEND, array(), self::GROUP );
			}
		} elseif ( ! wp_next_scheduled( self::SEND ) ) {
			wp_schedule_single_event( time() + $wait, self::SEND );
		}
	}

	/**
	 * The heartbeat is in the calendar, whatever others have cleared away. Looked up once an hour.
	 */
	public function keep_scheduled() {
		if ( get_transient( self::LOOKED ) || ! $this->settings->connected() ) {
			return;
		}
		set_transient( self::LOOKED, 'yes', 3600 );
		if ( function_exists( 'as_schedule_recurring_action' ) ) {
			if ( ! as_has_scheduled_action( self::BEAT, array(), self::GROUP ) ) {
				as_schedule_recurring_action( time(), self::EVERY, self::BEAT, array(), self::GROUP );
			}
		} elseif ( ! wp_next_scheduled( self::BEAT ) ) {
			wp_schedule_event( time(), 'storebridge_five_minutes', self::BEAT );
		}
	}

	/**
	 * WP-Cron knows no five minutes by itself.
	 *
	 * @param array $schedules By name.
	 * @return array
	 */
	public function five_minutes( $schedules ) {
		$schedules['storebridge_five_minutes'] = array(
			'interval' => self::EVERY,
			'display'  => __( 'Every five minutes', 'storebridge' ),
		);
		return $schedules;
	}

	/**
	 * Takes everything out of both calendars.
	 */
	public static function unschedule() {
		delete_transient( self::LOOKED );
		foreach ( array( self::SEND, self::BEAT ) as $hook ) {
			if ( function_exists( 'as_unschedule_all_actions' ) ) {
				as_unschedule_all_actions( $hook, array(), self::GROUP );
			}
			wp_clear_scheduled_hook( $hook );
		}
	}

	/**
	 * One process at a time, in one statement; a lock that its owner left is free after a while.
	 *
	 * @return bool
	 */
	private function lock() {
		global $wpdb;
		$name = Storebridge_Settings::LOCK;
		$wpdb->query( $wpdb->prepare( "INSERT IGNORE INTO {$wpdb->options} (option_name, option_value, autoload) VALUES (%s, '0', 'no')", $name ) ); // phpcs:ignore WordPress.DB
		$query = $wpdb->prepare( "UPDATE {$wpdb->options} SET option_value = %s WHERE option_name = %s AND CAST(option_value AS UNSIGNED) < %d", (string) time(), $name, time() - self::HELD );
		return 1 === $wpdb->query( $query ); // phpcs:ignore WordPress.DB
	}

	/**
	 * Lets go.
	 */
	private function unlock() {
		global $wpdb;
		$wpdb->query( $wpdb->prepare( "UPDATE {$wpdb->options} SET option_value = '0' WHERE option_name = %s", Storebridge_Settings::LOCK ) ); // phpcs:ignore WordPress.DB
	}
}
